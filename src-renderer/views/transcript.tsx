import { useLayoutEffect, useRef } from 'react';
import type { Turn } from '../stores/conversation.ts';
import { TurnView } from './turn-view.tsx';

const NEAR_END_PX = 80;

interface Props {
  readonly turns: readonly Turn[];
  readonly canAsk: boolean;
}

/** Follows the answer as it grows, unless the reader has scrolled up to read. */
export function Transcript({ turns, canAsk }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const isFollowing = useRef(true);
  const last = turns.at(-1);
  useLayoutEffect(() => {
    isFollowing.current = true;
  }, [last?.id]);
  useLayoutEffect(() => {
    if (isFollowing.current && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [last?.id, last?.answer, last?.isRunning]);
  const onScroll = (): void => {
    const element = box.current;
    if (element !== null) isFollowing.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END_PX;
  };
  return (
    <div className="transcript" ref={box} onScroll={onScroll} tabIndex={0} role="log" aria-label="Conversation" aria-live="off">
      <div className="transcript-inner">{turns.map((turn) => <TurnView key={turn.id} turn={turn} canAsk={canAsk} />)}</div>
      <p className="visually-hidden" role="status">{last === undefined ? '' : last.isRunning ? 'The answer is being written.' : last.error === undefined ? `Answer: ${last.answer}` : ''}</p>
    </div>
  );
}
