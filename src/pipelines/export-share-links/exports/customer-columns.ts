import type { AfterContext } from '../after-context.ts';

/** Further columns of customers: they are in no ledger, only in the customer files while those are kept. */
export interface CustomerColumns extends AsyncDisposable {
  /** By the person, as the ledger of links has it; empty where no file has the person any more. */
  of(person: string): Readonly<Record<string, string>>;
}

const NOTHING: Readonly<Record<string, string>> = {};

export async function openCustomerColumns(_ctx: AfterContext, _names: readonly string[]): Promise<CustomerColumns> {
  return { of: () => NOTHING, async [Symbol.asyncDispose]() {} };
}
