export type DocumentKind = 'text' | 'markdown' | 'code' | 'table' | 'json' | 'pdf';

export interface DocumentText {
  readonly kind: DocumentKind;
  /** Lines end with a line feed; holds no NUL. */
  readonly text: string;
  /** Of a PDF. */
  readonly pages?: number;
}
