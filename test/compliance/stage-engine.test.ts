import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { generateModel } from '../support/models/index.ts';
import { TinyEngine } from '../../src-main/pipeline/testing/tiny-engine.ts';
import { stageEngineCompliance } from './stage-engine.ts';
import { inProcess, inWorker, stagesOf } from './stage-subjects.ts';

const folder = mkdtempSync(join(tmpdir(), 'omninode-engine-'));
const model = join(folder, 'model.gguf');
const totalLayers = 4;
const prompt = [300, 301, 17, 40, 302, 303, 12, 310, 311, 25, 77, 305];

beforeAll(() => generateModel({ path: model, architecture: 'llama', type: 'Q8_0', layers: totalLayers, seed: 3 }));
afterAll(() => rm(folder, { recursive: true, force: true }));

stageEngineCompliance({ name: 'fake', totalLayers, prompt, load: (request) => Promise.resolve(new TinyEngine(request)) });
stageEngineCompliance({ name: 'in process', totalLayers, prompt, load: stagesOf(model, folder, inProcess) });
stageEngineCompliance({ name: 'child process', totalLayers, prompt, load: stagesOf(model, folder, inWorker) });
