import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useRef, type RefObject } from 'react';
import { useTexts } from '../language/index.ts';
import { useApp, useCanAsk, useChats, useHost } from '../stores/context.ts';
import { NEW } from '../stores/attachments.ts';
import { privacyAhead } from '../stores/format.ts';
import { ErrorCard } from '../widgets/error-card.tsx';
import { useAttach, useDrop } from './attachments.tsx';
import { ChatSettings } from './chat-settings.tsx';
import { Composer } from './composer.tsx';
import { MessageView } from './message-view.tsx';
import type { PlaceProps } from './places.tsx';

/** The name in the file of the model that ships with the app and knows only the app. */
const BUILT_IN_MODEL = 'OmniNode Guide';
/** Closer to the end than this, new text keeps the view at the end. */
const NEAR_END_PX = 80;
const ROW_PX = 110;

/** The open conversation and the question below it. */
export function ChatView({ onGo }: PlaceProps) {
  const { chats } = useApp();
  const { chat: texts, attachments: { drop } } = useTexts();
  const id = useChats(({ open }) => open?.conversation.id);
  const total = useChats(({ open }) => open?.total ?? 0);
  const error = useChats((view) => view.error);
  const status = useHost((view) => view.state?.status);
  const scope = id ?? NEW;
  const { isOver, handlers } = useDrop(useAttach(scope));
  return (
    <main className="chat" {...handlers}>
      <ChatSettings key={`settings-${scope}`} onGo={onGo} />
      {total === 0 ? <section className="chat-turns" tabIndex={0} aria-label={texts.conversation}><Welcome /></section> : <Messages key={id} total={total} />}
      {status?.kind === 'error' && <div className="host-error"><ErrorCard error={status} /></div>}
      {error !== undefined && <div className="host-error"><ErrorCard error={error} /><button type="button" className="quiet" onClick={() => chats.fail(undefined)}>{texts.dismiss}</button></div>}
      {total === 0 && <Privacy />}
      <Composer key={`composer-${scope}`} scope={scope} />
      {isOver && <p className="drop" role="status">{drop}</p>}
    </main>
  );
}

/** Only what is near the screen is in the page, however long the conversation is. */
function Messages({ total }: { readonly total: number }) {
  const { conversation } = useTexts().chat;
  const { chats } = useApp();
  const messages = useChats(({ open }) => open?.messages);
  const scroller = useRef<HTMLElement>(null);
  const rows = useVirtualizer({
    count: total, getScrollElement: () => scroller.current, estimateSize: () => ROW_PX, overscan: 6, initialOffset: total * ROW_PX,
    getItemKey: useCallback((index: number) => messages?.get(index)?.id ?? index, [messages]),
  });
  const shown = rows.getVirtualItems();
  const missing = shown.find(({ index }) => messages?.has(index) === false)?.index;
  useEffect(() => { if (missing !== undefined) chats.need(missing); }, [chats, missing, messages]);
  useStickToEnd(scroller, rows.getTotalSize());
  const target = useChats((view) => view.target);
  const { scrollToIndex } = rows;
  useEffect(() => { if (target !== undefined) scrollToIndex(target.index, { align: 'center' }); }, [target, scrollToIndex]);
  return (
    <section className="chat-turns" ref={scroller} tabIndex={0} aria-label={conversation}>
      <div className="chat-rows" style={{ height: rows.getTotalSize() }}>
        {shown.map(({ key, index, start }) => {
          const message = messages?.get(index);
          return (
            <div key={key} className="chat-row" data-index={index} ref={rows.measureElement} style={{ transform: `translateY(${start}px)` }}>
              {message === undefined ? <p className="turn-progress">…</p> : <MessageView message={message} isLast={index === total - 1} />}
            </div>
          );
        })}
      </div>
    </section>
  );
}

function Privacy() {
  const stages = useHost((view) => view.state?.stages) ?? [];
  const paying = useHost((view) => view.state?.paying);
  const privacy = privacyAhead(stages, paying);
  return privacy === undefined ? null : <p className={privacy.isPrivate ? 'privacy' : 'privacy strip-open'} data-testid="privacy">{privacy.text}</p>;
}

function Welcome() {
  const { chats } = useApp();
  const texts = useTexts().chat;
  const canAsk = useCanAsk();
  const model = useHost((view) => view.state?.info.model?.name);
  const isGuide = model === BUILT_IN_MODEL;
  return (
    <div className="welcome">
      <h2>{isGuide ? texts.guideTitle : texts.anyTitle}</h2>
      <p>{isGuide ? texts.guideText : texts.anyText(model)}</p>
      {isGuide && (
        <ul>
          {[texts.suggestion1, texts.suggestion2, texts.suggestion3, texts.suggestion4].map((question) => <li key={question}><button type="button" className="suggestion" disabled={!canAsk} onClick={() => void chats.send(question)}>{question}</button></li>)}
        </ul>
      )}
    </div>
  );
}

// Whoever scrolled up to read stays there.
function useStickToEnd(scroller: RefObject<HTMLElement | null>, height: number): void {
  const isAtEnd = useRef(true);
  useEffect(() => {
    const element = scroller.current;
    const onScroll = (): void => {
      if (element !== null) isAtEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END_PX;
    };
    const onWheel = (event: WheelEvent): void => { if (event.deltaY < 0) isAtEnd.current = false; };
    element?.addEventListener('scroll', onScroll, { passive: true });
    element?.addEventListener('wheel', onWheel, { passive: true });
    return () => {
      element?.removeEventListener('scroll', onScroll);
      element?.removeEventListener('wheel', onWheel);
    };
  }, [scroller]);
  useEffect(() => {
    const element = scroller.current;
    if (element !== null && isAtEnd.current) element.scrollTop = element.scrollHeight;
  }, [scroller, height]);
}
