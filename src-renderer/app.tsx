import { ChatView } from './views/chat-view.tsx';
import { LinkBanner } from './views/link-banner.tsx';
import { PipelineStrip } from './views/pipeline-strip.tsx';
import { StatusBar } from './views/status-bar.tsx';

/** One page: who this node is, which machines compute, the chat. */
export function App() {
  return (
    <>
      <a className="skip" href="#question">Skip to the question</a>
      <StatusBar />
      <LinkBanner />
      <PipelineStrip />
      <ChatView />
    </>
  );
}
