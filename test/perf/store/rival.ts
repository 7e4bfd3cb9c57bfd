/** Another program that moves the same file, to be compared with. */
export interface Rival {
  /** Name and version of what is compared with. */
  readonly what: string;
  /** A receiver that holds nothing yet; not part of the time. */
  receiver(): Promise<Receiver>;
}

export interface Receiver {
  /** From the dial until every byte is here, checked. */
  fetch(): Promise<void>;
  /** Throws when what came are not the file's bytes; not part of the time. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** The file, as every rival gets it. */
export interface RivalFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** BLAKE3 of the whole, hex. */
  readonly hash: string;
}

/** Why there is no such rival here. */
export interface Absent {
  readonly reason: string;
}
