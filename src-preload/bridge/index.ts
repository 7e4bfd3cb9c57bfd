export * from './commands.ts';
export * from './dto.ts';
export * from './errors.ts';
export * from './member.ts';
export * from './events.ts';
export * from './invite.ts';
export * from './state.ts';
export * from './transport.ts';
