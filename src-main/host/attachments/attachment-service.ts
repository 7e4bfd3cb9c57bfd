import type { AttachmentService } from '../../api/index.ts';
import { systemClock } from '../../base/index.ts';
import type { Chats } from '../../chats/index.ts';
import { readDocument } from '../../documents/index.ts';
import { ATTACHMENT_LIMITS } from '../../../src-preload/bridge/index.ts';
import { Uploads } from './uploads.ts';

interface AttachmentServiceInit {
  readonly chats: Pick<Chats, 'addAttachment' | 'attachmentText' | 'attachmentCost' | 'discardAttachment'>;
  /** The thread that reads PDFs. */
  readonly pdfWorker: string;
}

/** Files for questions: brought in parts, read one after the other, and kept with the conversations. Nothing of them is logged. */
export function attachmentService({ chats, pdfWorker }: AttachmentServiceInit): AttachmentService {
  const uploads = new Uploads(systemClock);
  const read = oneByOne();
  return {
    upload: ({ uploadId, part }) => uploads.add(Buffer.from(part, 'base64'), uploadId),
    read: ({ uploadId, name }) => read(async () => {
      const bytes = uploads.take(uploadId);
      const { kind, text, pages } = await readDocument({ name, bytes }, { workerPath: pdfWorker });
      return chats.addAttachment({ name, kind, sizeBytes: bytes.length, text, ...(pages === undefined ? {} : { pages }) });
    }),
    cost: ({ id }) => chats.attachmentCost(id),
    text: ({ id, offset }) => {
      const text = chats.attachmentText(id);
      return { text: text.slice(offset, offset + ATTACHMENT_LIMITS.textChars), total: text.length };
    },
    discard: ({ id }) => {
      uploads.drop(id);
      chats.discardAttachment(id);
      return {};
    },
  };
}

/** A PDF takes a thread and a heap of its own: one at a time. */
function oneByOne(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const now = last.then(work);
    last = now.catch(() => undefined);
    return now;
  };
}
