export * from './errors.ts';
export * from './options.ts';
export * from './ports.ts';
export * from './wire-error.ts';
export * from './bridge/server.ts';
export * from './http/assets.ts';
export * from './http/headers.ts';
export { startHttpServer, type HttpServer, type HttpServerInit } from './http/server.ts';
