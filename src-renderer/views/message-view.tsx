import { memo, useEffect, useRef, useState, type FormEvent, type KeyboardEvent } from 'react';
import { CHAT_LIMITS, type Message } from '../../src-preload/bridge/index.ts';
import { useTexts } from '../language/index.ts';
import { liveMessage, type LiveMessage } from '../stores/chats.ts';
import { useApp, useCanAsk, useHost } from '../stores/context.ts';
import { answeredBy, summarise, waitingText } from '../stores/format.ts';
import { CopyButton } from '../widgets/copy-button.tsx';
import { ErrorCard } from '../widgets/error-card.tsx';
import { MarkdownText } from '../widgets/markdown.tsx';
import { canSend, idsOf } from '../stores/attachments.ts';
import { stepText } from './status-bar.tsx';
import { Thumbs } from './thumbs.tsx';
import { AttachButton, Chips, Readings, SentChips, useChips } from './attachments.tsx';

interface MessageProps {
  readonly message: Message;
  readonly isLast: boolean;
}

export const MessageView = memo(({ message, isLast }: MessageProps) => (message.role === 'user' ? <Question message={message} /> : <Answer message={message} isLast={isLast} />));
MessageView.displayName = 'MessageView';

function Question({ message }: { readonly message: Message }) {
  const texts = useTexts().message;
  const [isEditing, setEditing] = useState(false);
  const canAsk = useCanAsk();
  if (isEditing) return <EditForm message={message} onEnd={() => setEditing(false)} />;
  return (
    <article className="turn turn-question">
      {message.attachments !== undefined && <SentChips attachments={message.attachments} />}
      <p className="question"><span className="unseen">{texts.youAsked}</span>{message.content}</p>
      <div className="turn-footer turn-footer-question">
        <Variants message={message} />
        <button type="button" className="quiet" disabled={!canAsk} onClick={() => setEditing(true)}>{texts.edit}</button>
        <CopyButton text={message.content} label={texts.copyQuestion} />
      </div>
    </article>
  );
}

function EditForm({ message, onEnd }: { readonly message: Message; readonly onEnd: () => void }) {
  const { chats, attachments } = useApp();
  const texts = useTexts().message;
  const [text, setText] = useState(message.content);
  const field = useRef<HTMLTextAreaElement>(null);
  const scope = `edit-${message.id}`;
  const [kept] = useState(message.attachments ?? []);
  useEffect(() => {
    attachments.keep(scope, kept);
    return () => attachments.clear(scope);
  }, [attachments, scope, kept]);
  const chips = useChips(scope);
  const [isSending, setSending] = useState(false);
  const canSendNow = useCanAsk() && canSend(chips) && !isSending && text.trim() !== '';
  const send = (event?: FormEvent): void => {
    event?.preventDefault();
    if (!canSendNow) return;
    setSending(true);
    // What the host does not take stays to be put right.
    void chats.send(text, { edits: message.id, attachments: idsOf(chips) }).then((isSent) => {
      setSending(false);
      if (isSent) onEnd();
    });
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') onEnd();
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      send();
    }
  };
  return (
    <form className="turn edit" aria-label={texts.editQuestion} onSubmit={send}>
      <Chips scope={scope} onLast={() => field.current?.focus()} />
      <textarea ref={field} aria-label={texts.editedQuestion} rows={3} value={text} maxLength={CHAT_LIMITS.maxMessageChars} onChange={(event) => setText(event.target.value)} onKeyDown={onKey} autoFocus />
      <div className="turn-footer turn-footer-question"><AttachButton scope={scope} /><button type="button" className="quiet" onClick={onEnd}>{texts.cancel}</button><button type="submit" className="main" disabled={!canSendNow}>{texts.askAgain}</button></div>
    </form>
  );
}

/** The answer is announced once, when it is complete: not word by word. */
function Answer({ message: kept, isLast }: MessageProps) {
  const texts = useTexts().message;
  const answer = useHost(({ state }) => state?.answers[kept.id]);
  const message = kept.state === 'writing' && answer !== undefined ? liveMessage(kept, { answers: { [kept.id]: answer } }) : kept;
  const isRunning = message.state === 'writing';
  return (
    <article className="turn" aria-busy={isRunning}>
      <div className="answer" data-testid="answer">
        <span className="unseen">{texts.answer}</span>
        <div className={isRunning ? 'answer-text answer-running' : 'answer-text'}><MarkdownText text={message.content} /></div>
        {isRunning && <Progress message={message} />}
        {message.state === 'interrupted' && <p className="turn-progress">{texts.interrupted}</p>}
        {message.finish?.readings !== undefined && <Readings readings={message.finish.readings} />}
        {message.error !== undefined && <ErrorCard error={message.error} />}
        {!isRunning && <AnswerFooter message={message} isLast={isLast} />}
      </div>
      {isLast && <div className="unseen" aria-live="polite">{answer?.finish !== undefined && texts.complete(message.content)}</div>}
    </article>
  );
}

/** Why no word comes; nothing to see while words do. */
function Progress({ message: { progress, content } }: { readonly message: LiveMessage }) {
  const { message: texts, attachments: { choosing }, status } = useTexts();
  const step = useHost(({ state }) => (state?.status.kind === 'loading' ? state.status.step : undefined));
  if (progress?.kind === 'reading') return <p className="turn-progress" role="status">{choosing}</p>;
  if (progress?.kind === 'waiting') return <p className="turn-progress" role="status">{waitingText(progress.ahead)}</p>;
  if (progress?.kind === 'recovering') return <p className="turn-progress" role="status">{texts.recovering}</p>;
  return content === '' ? <p className="turn-progress" role="status"><span className="caret" aria-hidden="true" /> {step === undefined ? texts.firstWord : stepText(step, status)}</p> : null;
}

function AnswerFooter({ message, isLast }: { readonly message: LiveMessage; readonly isLast: boolean }) {
  const { chats } = useApp();
  const texts = useTexts().message;
  const canAsk = useCanAsk();
  const { finish, state, content, id } = message;
  const canGoOn = isLast && content !== '' && (state === 'interrupted' || state === 'failed' || (finish !== undefined && finish.finishReason !== 'stop'));
  return (
    <footer className="turn-footer">
      <Variants message={message} />
      {finish !== undefined && <span title={finish.stages.length === 0 || finish.tokens === undefined ? undefined : texts.tokensBy(finish.tokens, answeredBy(finish))}>{summarise(finish)}</span>}
      {content !== '' && <CopyButton text={content} label={texts.copyAnswer} />}
      {canGoOn && <button type="button" className="quiet" disabled={!canAsk} onClick={() => void chats.continue(id)}>{texts.continue}</button>}
      <button type="button" className="quiet" disabled={!canAsk} onClick={() => void chats.regenerate(id)}>{texts.tryAgain}</button>
      {message.rating !== undefined && <Thumbs id={id} rating={message.rating} />}
    </footer>
  );
}

/** "‹ 2/3 ›": which of the messages in this place is shown. */
function Variants({ message: { variants, id, role } }: { readonly message: Message }) {
  const { chats } = useApp();
  const texts = useTexts().message;
  const place = variants.indexOf(id);
  if (variants.length < 2) return null;
  const [all, previous, next] = role === 'user' ? [texts.questionVariants, texts.previousQuestion, texts.nextQuestion] : [texts.answerVariants, texts.previousAnswer, texts.nextAnswer];
  const go = (to: number): void => {
    const variant = variants[to];
    if (variant !== undefined) void chats.choose(variant);
  };
  return (
    <span className="variants" role="group" aria-label={all}>
      <button type="button" className="quiet" aria-label={previous} disabled={place <= 0} onClick={() => go(place - 1)}>‹</button>
      <span>{place + 1}/{variants.length}</span>
      <button type="button" className="quiet" aria-label={next} disabled={place >= variants.length - 1} onClick={() => go(place + 1)}>›</button>
    </span>
  );
}
