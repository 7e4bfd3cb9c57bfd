export { aboutService } from './about-service.ts';
export { apiKeyService } from './api-key-service.ts';
export { collectDiagnostics, diagnosticsOf } from './diagnostics.ts';
export { preferenceService } from './preference-file.ts';
export { settingsService } from './settings-service.ts';
