import { readPower } from '../capability/power.ts';
import { readHeat } from './heat.ts';
import type { MachinePort } from './machine-port.ts';
import { OthersLoad } from './others-load.ts';
import type { MachineNow } from './policy.ts';

/** What of it can be known here at all. */
export interface Known {
  readonly battery: boolean;
  readonly idle: boolean;
  readonly load: boolean;
  readonly heat: boolean;
}

/** Reads what the owner's limits go by: of the shell where it knows, else of the system. */
export class MachineWatch {
  readonly #port: MachinePort;
  readonly #load = new OthersLoad();
  #now: MachineNow = {};

  constructor(port: MachinePort) {
    this.#port = port;
  }

  get now(): MachineNow {
    return this.#now;
  }

  get known(): Known {
    const { isOnBattery, idleMs, heat } = this.#now;
    return { battery: isOnBattery !== undefined, idle: idleMs !== undefined, load: true, heat: heat !== undefined };
  }

  /** Never rejects. */
  async look({ isComputing, withLoad }: { readonly isComputing: boolean; readonly withLoad: boolean }): Promise<MachineNow> {
    const isOnBattery = this.#port.isOnBattery?.() ?? (await readPower()).isOnBattery;
    const heat = this.#port.heat?.() ?? await readHeat();
    const othersLoad = withLoad ? await this.#load.look(isComputing) : undefined;
    return (this.#now = { isOnBattery, heat, othersLoad, idleMs: this.#port.idleMs?.() });
  }
}
