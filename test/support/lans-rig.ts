import { PeerProcesses, type PeerProcess, type ProcessSetup } from './peer-processes.ts';
import { createInternet, type Internet, type LansOptions } from './lans.ts';
import type { NetworkHost } from './network.ts';

/** An internet that a test makes, and the nodes on its hosts; `stop` takes all of it away. */
export class LansRig {
  readonly #processes = new PeerProcesses();
  #internet: Internet | undefined;

  internet(options: LansOptions): Internet {
    this.#internet = createInternet(options);
    return this.#internet;
  }

  /** A node on a host, at its address unless told otherwise. */
  start({ address, prefix }: NetworkHost, setup: ProcessSetup = {}): PeerProcess {
    return this.#processes.start({ listen: [`/ip4/${address}/tcp/0`], prefix, ...setup });
  }

  stop(): void {
    this.#processes.kill();
    this.#internet?.stop();
    this.#internet = undefined;
  }
}
