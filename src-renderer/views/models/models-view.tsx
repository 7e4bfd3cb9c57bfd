import { useTexts } from '../../language/index.ts';
import { ErrorCard } from '../../widgets/error-card.tsx';
import { AddFiles } from './add-files.tsx';
import { DiskUse } from './disk-use.tsx';
import { GetModels } from './get-models.tsx';
import { HeldModels } from './held-models.tsx';
import { ModelDownloads } from './model-downloads.tsx';
import { useModelList } from './use-models.ts';

/** What models are here and which one answers, what comes, and how others come here. */
export function ModelsView() {
  const texts = useTexts().models;
  const { list, error } = useModelList();
  return (
    <main className="models-view">
      <div className="models-column">
        {error !== undefined && <ErrorCard error={error} />}
        <ModelDownloads unfinished={list?.unfinished ?? []} />
        <section className="card" aria-label={texts.held}>
          <h2>{texts.held}</h2>
          {list?.missing !== undefined && <p className="model-why" role="status">{texts.missing(list.missing)}</p>}
          {list === undefined ? error === undefined && <p className="muted" role="status">{texts.loading}</p> : <><DiskUse list={list} /><HeldModels models={list.models} /></>}
        </section>
      </div>
      <div className="models-column">
        <AddFiles />
        <GetModels />
      </div>
    </main>
  );
}
