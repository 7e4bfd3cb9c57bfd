import type { Contribution } from '../../host/index.ts';
import { bytes, shortPeer, table } from '../table.ts';

/** What `contribute` shows; pure. */

const HOLD: Readonly<Record<NonNullable<Contribution['hold']>['reason'], string>> = {
  paused: 'you paused it', schedule: 'it is outside the hours that you set', battery: 'on battery', 'in-use': 'the machine is in use', busy: 'other programs need the processors', hot: 'the machine is hot',
};

export function contributeView(now: Contribution, nowMs: number): string {
  const { serving, sessions, total, offers } = now;
  const rows = serving.map(({ name, peerId, model, layers, since, tokens }) => [name ?? shortPeer(peerId), model, layers.join('-'), String(tokens), hours(nowMs - since)]);
  const given = `${total.tokens} tokens (${total.layerTokens} layers x tokens) in ${total.sessions} sessions, ${hours(total.servedMs)} with somebody here, since ${new Date(total.since).toISOString().slice(0, 10)}`;
  return [
    standing(now, nowMs), ...(rows.length === 0 ? [] : ['', table(['for', 'model', 'layers', 'tokens', 'since'], rows), ...(sessions > rows.length ? [`and ${sessions - rows.length} more`] : [])]), '',
    `offers   ${offers.length === 0 ? 'no layers: nothing is in the store yet' : offers.map(({ model, layers }) => `${model} ${layers.map((range) => range.join('-')).join(', ')}`).join('; ')}`,
    `limits   ${limitsText(now)}`, `given    ${given}`, '',
  ].join('\n');
}

function standing({ isOn, hold, sessions, reach }: Contribution, nowMs: number): string {
  if (!isOn) return sessions > 0 ? `off; ${sessions} under way still end` : 'off: this machine computes for nobody else';
  const until = hold?.until === undefined ? '' : `, until ${new Date(hold.until).toLocaleString()} (in ${hours(hold.until - nowMs)})`;
  if (hold !== undefined) return `on, but serves nobody now: ${HOLD[hold.reason]}${until}`;
  const who = reach === 'machine' ? '; only programs of this machine can ask, because the node listens on loopback' : '';
  return `${sessions === 0 ? 'on, nobody has asked yet' : `on, serves ${sessions}`}${who}`;
}

function limitsText({ limits: { memoryBytes, threads, gpuLayers, onlyOnPower, afterIdleMs, maxLoad, schedule } }: Contribution): string {
  const parts = [
    memoryBytes === null ? 'any free memory' : `${bytes(memoryBytes)} of memory`, threads === null ? 'all threads' : `${threads} thread${threads === 1 ? '' : 's'}`,
    ...(gpuLayers === null ? [] : [gpuLayers === 0 ? 'no GPU' : `${gpuLayers} layers on the GPU`]), ...(onlyOnPower ? ['not on battery'] : []),
    ...(afterIdleMs === null ? [] : [`after ${hours(afterIdleMs)} without input`]), ...(maxLoad === null ? [] : [`not above ${Math.round(maxLoad * 100)} % load of others`]),
    ...schedule.map(({ days, from, to }) => `${days.join(' ')} ${from}-${to}`),
  ];
  return parts.join(', ');
}

function hours(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / 60_000));
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
