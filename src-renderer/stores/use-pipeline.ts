import { useCallback, useEffect, useRef, useState } from 'react';
import { HostError, thin, type AnswerDetail, type AnswerEntry, type PipelineSample, type WireError } from '../../src-preload/bridge/index.ts';
import { useApp, useHost } from './context.ts';
import { withSample } from './pipeline.ts';

export interface Samples {
  readonly stepMs: number;
  readonly samples: readonly PipelineSample[];
}

const wireOf = (error: unknown): WireError | undefined => (error instanceof HostError ? error.wire : undefined);

/** The last `spanMs`, going on while this is shown; undefined until known. */
export function useSamples(spanMs: number): Samples | undefined {
  const { client } = useApp();
  const isOnline = useHost(({ link }) => link === 'online');
  const answered = useHost(({ state }) => state?.answered);
  const sample = useHost(({ state }) => state?.sample);
  const [known, setKnown] = useState<Samples>();
  useEffect(() => {
    if (!isOnline) return undefined;
    void client.call('pipeline.watch', { isOn: true }).catch(() => undefined);
    return () => void client.call('pipeline.watch', { isOn: false }).catch(() => undefined);
  }, [client, isOnline]);
  // Asked again when an answer ended: only then it is known what it sent between stages.
  useEffect(() => {
    let isCurrent = true;
    if (isOnline) void client.call('pipeline.samples', { spanMs }).then((samples) => { if (isCurrent) setKnown(samples); }, () => undefined);
    return () => { isCurrent = false; };
  }, [client, isOnline, spanMs, answered]);
  useEffect(() => {
    if (sample !== undefined) setKnown((old) => (old === undefined ? old : { ...old, samples: thin(withSample(old.samples, sample, spanMs), old.stepMs) }));
  }, [sample, spanMs]);
  return known;
}

export interface History {
  /** Undefined until known. */
  readonly answers: readonly AnswerEntry[] | undefined;
  readonly total: number;
  readonly error: WireError | undefined;
  readonly more: () => void;
  readonly forget: () => void;
}

const PAGE = 25;

/** Answers that are over, the newest first, by pages. */
export function useHistory(): History {
  const { client } = useApp();
  const isOnline = useHost(({ link }) => link === 'online');
  const answered = useHost(({ state }) => state?.answered);
  const [limit, setLimit] = useState(PAGE);
  const [view, setView] = useState<Pick<History, 'answers' | 'total' | 'error'>>({ answers: undefined, total: 0, error: undefined });
  useEffect(() => {
    let isCurrent = true;
    const load = async (): Promise<void> => {
      const answers: AnswerEntry[] = [];
      let total = 0;
      do {
        const page = await client.call('pipeline.history', { offset: answers.length, limit: Math.min(100, limit - answers.length) });
        answers.push(...page.answers);
        total = page.total;
        if (page.answers.length === 0) break;
      } while (answers.length < Math.min(limit, total));
      if (isCurrent) setView({ answers, total, error: undefined });
    };
    if (isOnline) load().catch((error: unknown) => { if (isCurrent) setView((old) => ({ ...old, error: wireOf(error) })); });
    return () => { isCurrent = false; };
  }, [client, isOnline, answered, limit]);
  return { ...view, more: () => setLimit((old) => old + PAGE), forget: () => void client.call('pipeline.forget', {}).catch((error: unknown) => setView((old) => ({ ...old, error: wireOf(error) }))) };
}

export type Asked<T> = { readonly kind: 'busy' } | { readonly kind: 'done'; readonly value: T } | { readonly kind: 'failed'; readonly error: WireError | undefined };

/** All that is kept of one answer, once it is asked for. */
export function useAnswer(id: number, isOpen: boolean): Asked<AnswerDetail> {
  const { client } = useApp();
  const [asked, setAsked] = useState<Asked<AnswerDetail>>({ kind: 'busy' });
  useEffect(() => {
    let isCurrent = true;
    if (isOpen) client.call('pipeline.answer', { id }).then((value) => { if (isCurrent) setAsked({ kind: 'done', value }); }, (error: unknown) => { if (isCurrent) setAsked({ kind: 'failed', error: wireOf(error) }); });
    return () => { isCurrent = false; };
  }, [client, id, isOpen]);
  return asked;
}

/** On the screen at a time. */
const MOST_PULSES = 6;

/** One pulse whenever tokens came: its id, until it went all the way round. None where nothing is to move. */
export function usePulses(tokens: number | undefined): { readonly pulses: readonly number[]; readonly passed: (pulse: number) => void } {
  const [pulses, setPulses] = useState<readonly number[]>([]);
  const known = useRef(tokens);
  useEffect(() => {
    const isMore = tokens !== undefined && known.current !== undefined && tokens > known.current;
    known.current = tokens;
    if (isMore && !matchMedia('(prefers-reduced-motion: reduce)').matches) setPulses((old) => [...old, tokens].slice(-MOST_PULSES));
  }, [tokens]);
  return { pulses, passed: useCallback((pulse: number) => setPulses((old) => old.filter((other) => other !== pulse)), []) };
}
