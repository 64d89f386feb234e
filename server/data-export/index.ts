export { dataExport } from './data-export.ts'
export { dataExportRoutes } from './routes.ts'
