import './zod-setup.ts';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { createClient } from './host/create-client.ts';
import { AppContext } from './stores/context.ts';
import { ConversationStore } from './stores/conversation.ts';
import './styles/base.css';
import './styles/layout.css';
import './styles/chat.css';
import './styles/pipeline.css';
import './styles/invite.css';

const client = createClient();
const conversation = new ConversationStore(client, sessionStorage);
client.start();

const root = document.getElementById('root');
if (root !== null) createRoot(root).render(<AppContext value={{ client, conversation }}><App /></AppContext>);
