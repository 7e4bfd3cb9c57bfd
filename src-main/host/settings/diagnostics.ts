import { homedir, release } from 'node:os';
import type { HostService, MetricsText } from '../../api/index.ts';
import { scrubText, scrubValue, systemClock, toCoded } from '../../base/index.ts';
import type { Diagnostics } from '../../../src-preload/bridge/index.ts';
import { checkup } from '../checkup.ts';
import { knownSecrets, type Settings } from '../config.ts';
import { lookAtNet } from '../net-doctor/look.ts';
import { netReport } from '../net-doctor/report.ts';
import type { AppPaths } from '../paths.ts';

export interface DiagnosticsInit {
  readonly settings: Settings;
  readonly paths: AppPaths;
  readonly api: Pick<HostService, 'info' | 'status' | 'stages' | 'activity' | 'peers' | 'standing' | 'logs'>;
  readonly metrics: MetricsText;
}

const NET_MS = 20_000;
const MAX_METRICS_CHARS = 400_000;

/**
 * What helps to find a fault, as one JSON text: versions, configuration, state, what `doctor` and `net doctor` find, metrics, log. No
 * key, token, invitation or word of a chat is in it; names and addresses of machines are, which whoever gives it away should know.
 */
export async function collectDiagnostics({ settings, paths, api, metrics }: DiagnosticsInit): Promise<Diagnostics> {
  const { config, overrides = {} } = settings;
  const known = knownSecrets(settings);
  const [checks, network, counted] = await Promise.all([
    outcome(() => checkup(settings, paths)),
    outcome(async () => netReport(await lookAtNet(settings, { paths, signal: AbortSignal.timeout(NET_MS) })).findings),
    outcome(async () => (await metrics.text()).slice(0, MAX_METRICS_CHARS).split('\n')),
  ]);
  const now = new Date(systemClock.now());
  const sections = {
    about: { format: 'omninode-diagnostics', version: 1, takenAt: now.toISOString() },
    program: { ...api.info(), osRelease: release() },
    configuration: scrubValue(config), overrides,
    state: { status: api.status(), stages: api.stages(), activity: api.activity?.() ?? null, standing: api.standing?.() ?? null },
    peers: api.peers(), doctor: checks, network, metrics: counted, log: api.logs?.lines() ?? [],
  };
  const text = scrubText(JSON.stringify(sections, undefined, 2), known).replaceAll(JSON.stringify(homedir()).slice(1, -1), '~');
  return { fileName: `omninode-diagnostics-${now.toISOString().slice(0, 19).replaceAll(/[:T]/g, '-')}.json`, text };
}

/** The same for whoever asks while one is under way: each starts an engine and looks for peers. */
export function diagnosticsOf(init: DiagnosticsInit): () => Promise<Diagnostics> {
  let collecting: Promise<Diagnostics> | undefined;
  return () => (collecting ??= collectDiagnostics(init).finally(() => { collecting = undefined; }));
}

// What cannot be found out is a finding too.
async function outcome<T>(work: () => Promise<T>): Promise<T | { readonly failed: string; readonly message: string }> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = toCoded(error);
    return { failed: code, message };
  }
}
