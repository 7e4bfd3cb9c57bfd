import './zod-setup.ts';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { createClient } from './host/create-client.ts';
import { ChatsStore } from './stores/chats.ts';
import { AppContext } from './stores/context.ts';
import './styles/base.css';
import './styles/layout.css';
import './styles/sidebar.css';
import './styles/chat.css';
import './styles/markdown.css';
import './styles/pipeline.css';
import './styles/invite.css';

const client = createClient();
const chats = new ChatsStore(client, sessionStorage);
client.start();

const root = document.getElementById('root');
if (root !== null) createRoot(root).render(<AppContext value={{ client, chats }}><App /></AppContext>);
