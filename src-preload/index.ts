import { contextBridge, ipcRenderer } from 'electron';
import { createVerbs } from './verbs.ts';

contextBridge.exposeInMainWorld('host', createVerbs(ipcRenderer));
