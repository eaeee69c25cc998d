/** Rows with a head over each column. */
import type { ReactNode } from "react";

export interface Column<T> {
  title: string;
  /** What stands above it in place of its title. */
  head?: ReactNode;
  cell: (row: T) => ReactNode;
  wide?: boolean;
}

export function Table<T>(props: {
  label: string;
  rows: T[];
  columns: Column<T>[];
  id: (row: T) => string;
}) {
  return (
    <div className="overflow-x-auto">
      <table aria-label={props.label} className="w-full border-collapse text-left">
        <thead>
          <tr className="border-b border-line text-xs text-faint">
            {props.columns.map((column) => (
              <th key={column.title} scope="col" className="px-2 py-1.5 font-medium">
                {column.head ?? column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row) => (
            <tr key={props.id(row)} className="border-b border-line hover:bg-raised">
              {props.columns.map((column) => (
                <td key={column.title} className={`px-2 py-1.5 ${column.wide ? "w-full" : "whitespace-nowrap"}`}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
