import { defineErrors, spec } from '../base/index.ts';

/** Where in the file: `field` names what was read, `offset` is the byte where it starts. */
type At = {
  readonly field: string;
  readonly offset: number;
};

const damaged = 'Download the model again or choose another file: this one is damaged or not a GGUF model.';

export const ggufErrors = defineErrors('GGUF', {
  badMagic: spec<{ found: string }>({ fault: 'user', message: (m) => `The file does not start with "GGUF" (found ${m.found}).`, next: 'Choose a model file in GGUF format.' }),
  badVersion: spec<{ version: number; offset: number }>({ fault: 'user', message: (m) => `GGUF version ${m.version} is not supported (byte ${m.offset}).`, next: 'Use a little-endian GGUF file of version 2 or 3.' }),
  truncated: spec<At & { needBytes: number; haveBytes: number }>({ fault: 'user', message: (m) => `The file ends inside ${m.field} at byte ${m.offset}: ${m.needBytes} bytes needed, ${m.haveBytes} left.`, next: damaged }),
  tooBig: spec<At & { value: number | string; max: number }>({ fault: 'user', message: (m) => `${m.field} at byte ${m.offset} is ${m.value}, more than the limit of ${m.max}.`, next: damaged }),
  badType: spec<At & { type: number }>({ fault: 'user', message: (m) => `${m.field} at byte ${m.offset} has the unknown type ${m.type}.`, next: damaged }),
  badValue: spec<At & { value: string }>({ fault: 'user', message: (m) => `${m.field} at byte ${m.offset} has the impossible value ${m.value}.`, next: damaged }),
  badText: spec<At>({ fault: 'user', message: (m) => `${m.field} at byte ${m.offset} is not valid UTF-8.`, next: damaged }),
  duplicate: spec<At & { name: string }>({ fault: 'user', message: (m) => `${m.field} "${m.name}" occurs twice, again at byte ${m.offset}.`, next: damaged }),
  tooDeep: spec<At & { max: number }>({ fault: 'user', message: (m) => `${m.field} at byte ${m.offset} nests arrays deeper than ${m.max}.`, next: damaged }),
  badTensorShape: spec<{ tensor: string; dims: string; type: string; offset: number }>({ fault: 'user', message: (m) => `Tensor ${m.tensor} of shape ${m.dims} cannot be stored as ${m.type} (byte ${m.offset}).`, next: damaged }),
  tensorOutOfFile: spec<{ tensor: string; start: number; sizeBytes: number; fileBytes: number }>({ fault: 'user', message: (m) => `Tensor ${m.tensor} lies at bytes ${m.start} to ${m.start + m.sizeBytes}, outside the file of ${m.fileBytes} bytes.`, next: damaged }),
  misaligned: spec<{ tensor: string; offset: number; alignment: number }>({ fault: 'user', message: (m) => `Tensor ${m.tensor} at data offset ${m.offset} is not aligned to ${m.alignment}.`, next: damaged }),
  overlap: spec<{ tensor: string; other: string }>({ fault: 'user', message: (m) => `Tensors ${m.other} and ${m.tensor} overlap.`, next: damaged }),
  missingKey: spec<{ key: string; expected: string }>({ fault: 'user', message: (m) => `The model's metadata has no usable ${m.key} (expected ${m.expected}).`, next: 'Convert the model again with a current converter.' }),
});

export const storeErrors = defineErrors('STORE', {
  readFailed: spec<{ name: string; offset: number }>({ fault: 'local', message: (m) => `${m.name} cannot be read at byte ${m.offset}.`, next: 'Check that the file or address exists, is a file and may be read.' }),
  outOfRange: spec<{ name: string; offset: number; lengthBytes: number; sizeBytes: number }>({ fault: 'local', message: (m) => `Bytes ${m.offset} + ${m.lengthBytes} lie outside ${m.name}, which has ${m.sizeBytes}.`, next: 'Open the file again: it may have changed.' }),
  badUrl: spec<{ url: string }>({ fault: 'user', message: (m) => `"${m.url}" is not an http or https address.`, next: 'Give an address that starts with https://.' }),
  httpStatus: spec<{ url: string; status: number }>({ fault: 'peer', retryable: true, message: (m) => `${m.url} answered ${m.status} instead of 206 to a range request.`, next: 'Check the address, or download the file whole: the server may not serve ranges.' }),
  httpRange: spec<{ url: string; asked: string; given: string }>({ fault: 'peer', message: (m) => `${m.url} was asked for ${m.asked} and sent "${m.given}".`, next: 'Use another server: this one does not serve ranges correctly.' }),
  httpChanged: spec<{ url: string }>({ fault: 'peer', retryable: true, message: (m) => `${m.url} changed while it was read.`, next: 'Start again.' }),
});
