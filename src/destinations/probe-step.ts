/** One thing that `doctor` tried at a provider. */
export interface ProbeStep {
  step: string;
  ok: boolean;
  detail: string;
  hint?: string;
  /** It works, and somebody should look. */
  doubtful?: true;
}
