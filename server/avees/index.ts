export { type AveeCard, type Avees, type AveeView, avees } from './avees.ts'
export { aveeNotFound, notTheOwner } from './errors.ts'
export { aveeRoutes, presentAvee } from './routes.ts'
export { type Avee, insertAttachmentHolder, isLocalOnly, visibleAvees } from './store.ts'
