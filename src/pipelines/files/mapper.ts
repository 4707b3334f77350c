import { compileMapping, type MappingContext, type RowMapper, type RowSettings } from '../../mapping/compile.ts';

/** Maps rows under the columns known so far: those of JSON grow while it is read. Ask for it anew with each batch. */
export function mapperFor(settings: RowSettings, context: MappingContext): (columns: readonly string[]) => RowMapper {
  let width = -1;
  let map: RowMapper | undefined;
  return (columns) => {
    if (map === undefined || columns.length !== width) map = compileMapping(settings, columns, context);
    width = columns.length;
    return map;
  };
}
