export { createTelemetry, type Telemetry } from './telemetry.ts'
export { createTracer, type Span, type Tracer } from './tracer.ts'
