import { contextBridge, ipcRenderer, webUtils } from 'electron';
import { createVerbs } from './verbs.ts';

contextBridge.exposeInMainWorld('host', createVerbs(ipcRenderer, (file) => webUtils.getPathForFile(file as File)));
