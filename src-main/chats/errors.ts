import { defineErrors, spec } from '../base/index.ts';

type File = { readonly path: string; readonly reason: string };

export const chatsErrors = defineErrors('CHATS', {
  notFound: spec<{ what: string }>({ fault: 'user', message: (m) => `this ${m.what} is not here any more`, next: 'Choose another one: it may have been deleted in another window.' }),
  answering: spec<Record<string, never>>({ fault: 'user', retryable: true, message: () => 'an answer is being written in this conversation', next: 'Stop it or wait until it is done.' }),
  busy: spec<{ limit: number }>({ fault: 'local', retryable: true, message: (m) => `${m.limit} answers are already being written`, next: 'Stop one of them or wait until it is done.' }),
  notPossible: spec<{ reason: string }>({ fault: 'user', message: (m) => m.reason, next: 'Choose another message.' }),
  full: spec<{ what: string; limit: number }>({ fault: 'user', message: (m) => `there are ${m.limit} ${m.what} already`, next: 'Delete some, or begin a new conversation.' }),
  tooLong: spec<{ tokens: number; room: number }>({
    fault: 'user', message: (m) => `the attached text has ${m.tokens} tokens, and the model has room for ${m.room}`,
    next: 'Attach a shorter file, or set a larger context (contextTokens) or an embedding model (embeddingModel) in the settings.',
  }),
  badFile: spec<{ reason: string }>({ fault: 'user', message: (m) => `this is no conversation that OmniNode exported: ${m.reason}`, next: 'Choose a file that was made with Export.' }),
  fileTooLarge: spec<{ bytes: number; limitBytes: number }>({ fault: 'user', message: (m) => `this file has more than ${m.limitBytes / 1_000_000} MB`, next: 'Such a conversation cannot be brought in as one file.' }),
  importBusy: spec<{ limit: number }>({ fault: 'user', retryable: true, message: (m) => `${m.limit} files are on their way already`, next: 'Wait until one of them is there.' }),
  importGone: spec<Record<string, never>>({ fault: 'user', retryable: true, message: () => 'this file did not arrive whole', next: 'Import it again.' }),
  damaged: spec<File>({ fault: 'local', message: (m) => `the conversations in ${m.path} are damaged: ${m.reason}`, next: 'Start again: they are set aside and new ones begun.' }),
  tooNew: spec<{ path: string; version: number }>({ fault: 'user', message: (m) => `the conversations in ${m.path} were written by a newer OmniNode (version ${m.version})`, next: 'Update OmniNode, or choose another home folder.' }),
  unusable: spec<File>({ fault: 'local', message: (m) => `the conversations in ${m.path} cannot be used: ${m.reason}`, next: 'Check the folder, its permissions and the room on the disk.' }),
});
