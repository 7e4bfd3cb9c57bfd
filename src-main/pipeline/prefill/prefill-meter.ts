import type { StageStats } from '../wire/schema.ts';
import type { PrefillCosts, WayCost } from './micro-batch.ts';
import { PassCostMeter } from './pass-cost.ts';

/** What the stages of a route told of the prompts that they computed. */
export class PrefillMeter {
  readonly #stages: readonly { readonly compute: PassCostMeter; readonly serialise: PassCostMeter }[];

  constructor(stages: number) {
    this.#stages = Array.from({ length: stages }, () => ({ compute: new PassCostMeter(), serialise: new PassCostMeter() }));
  }

  /** Figures of one answer whose prompt was computed from `position` on. */
  observe(reports: readonly (StageStats | undefined)[], position: number): void {
    for (const [i, report] of reports.entries()) {
      if (report === undefined) continue;
      const { frames: passes, rows, computeUs, serialiseUs } = report.prefill;
      this.#stages[i]?.compute.add({ position, passes, rows, ms: computeUs / 1000 });
      this.#stages[i]?.serialise.add({ position, passes, rows, ms: serialiseUs / 1000 });
    }
  }

  /**
   * Undefined until every stage computed micro-batches of different sizes. A way costs what the stage before it spends beside its engine,
   * and half the round trip to the stage after it: from here, because what lies between two stages nobody has told us.
   */
  costs(rttsMs: readonly (number | undefined)[]): PrefillCosts | undefined {
    const stages = this.#stages.map(({ compute }) => compute.cost).filter((cost) => cost !== undefined);
    if (stages.length < this.#stages.length) return undefined;
    const boundaries = this.#stages.slice(1).map((_, i): WayCost => {
      const { passMs, rowMs } = this.#stages[i]?.serialise.cost ?? { passMs: 0, rowMs: 0 };
      return { passMs: passMs + (rttsMs[i + 1] ?? 0) / 2, rowMs };
    });
    return { stages, boundaries };
  }
}
