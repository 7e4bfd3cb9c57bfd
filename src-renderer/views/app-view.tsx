import { useHost } from '../stores/context.ts';
import { LinkBanner } from './link-banner.tsx';
import { Chat } from './chat.tsx';
import { PipelineStrip } from './pipeline-strip.tsx';
import { Refused } from './refused.tsx';
import { StatusBar } from './status-bar.tsx';

export function AppView() {
  const isRefused = useHost((view) => view.link === 'refused');
  if (isRefused) return <Refused />;
  return (
    <div className="app">
      <StatusBar />
      <LinkBanner />
      <PipelineStrip />
      <Chat />
    </div>
  );
}
