// Icons: strokes on a grid of 16. They stand beside words, so programs that read pages pass over them.
const paths = {
  overview: 'M2.5 9.5h4v4h-4zM9.5 2.5h4v4h-4zM2.5 2.5h4v4h-4zM9.5 9.5h4v4h-4z',
  incidents: 'M8 2l6.2 11H1.8zM8 6.5v3M8 11.3v.2',
  hunting: 'M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3l3.5 3.5',
  recommendations: 'M8 1.8l5.5 2v4c0 3.4-2.3 5.4-5.5 6.4-3.2-1-5.5-3-5.5-6.4v-4zM5.8 8l1.6 1.6 3-3.2',
  inventory: 'M8 2a1.6 1.6 0 1 1 0 3.2A1.6 1.6 0 0 1 8 2zM3.5 10.5a1.6 1.6 0 1 1 0 3.2 1.6 1.6 0 0 1 0-3.2zM12.5 10.5a1.6 1.6 0 1 1 0 3.2 1.6 1.6 0 0 1 0-3.2zM7.2 5.1l-2.8 5.5M8.8 5.1l2.8 5.5M5.1 12.1h5.8',
  gate: 'M2 13.5v-11h2v2h2.5v-2h3v2H12v-2h2v11h-4V11a2 2 0 0 0-4 0v2.5z',
  content: 'M3.5 1.8h6l3 3v9.4h-9zM9.3 2v3h3M5.5 8h5M5.5 10.8h5',
  settings: 'M2 4.5h6M11.5 4.5H14M2 11.5h2.5M8 11.5h6M9.7 2.8a1.7 1.7 0 1 1 0 3.4 1.7 1.7 0 0 1 0-3.4zM6.2 9.8a1.7 1.7 0 1 1 0 3.4 1.7 1.7 0 0 1 0-3.4z',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  kql: 'M2 4l3.5 4L2 12M7.5 12.5H14',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  sun: 'M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1',
  moon: 'M13.5 9.8A6 6 0 0 1 6.2 2.5a6 6 0 1 0 7.3 7.3z',
  help: 'M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zM6.2 6.2a1.8 1.8 0 1 1 2.6 1.6c-.6.3-.8.7-.8 1.4M8 11.3v.2',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3l7.5 5L5 13z',
  down: 'M4 6.2l4 4 4-4',
  up: 'M4 9.8l4-4 4 4',
  right: 'M6.2 4l4 4-4 4',
  left: 'M9.8 4l-4 4 4 4',
  plus: 'M8 3v10M3 8h10',
  user: 'M8 2.5a2.7 2.7 0 1 1 0 5.4 2.7 2.7 0 0 1 0-5.4zM2.8 13.8c.5-2.6 2.5-4 5.2-4s4.7 1.4 5.2 4',
  menu: 'M2 4h12M2 8h12M2 12h12',
  refresh: 'M13.5 8a5.5 5.5 0 1 1-1.7-4M13.5 1.8v3h-3',
  download: 'M8 2v8M4.5 7L8 10.5 11.5 7M2.5 13.5h11',
  link: 'M6.5 9.5l3-3M7.5 4.8l1.3-1.3a2.6 2.6 0 0 1 3.7 3.7l-1.3 1.3M8.5 11.2l-1.3 1.3a2.6 2.6 0 0 1-3.7-3.7l1.3-1.3',
  check: 'M3 8.5l3.3 3.3L13 4.8',
  block: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM3.8 3.8l8.4 8.4',
  table: 'M2 3h12v10H2zM2 6.3h12M2 9.7h12M6.5 3v10',
  chart: 'M2 13.5h12M4 11V8M8 11V3M12 11V6',
} as const;
export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false"><path d={paths[name]} /></svg>;
}

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" width="24" height="24" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7" />
      <path d="M8 8h4v3h2.5V8h3v3H20V8h4v8c0 5-3.4 7.6-8 9.5-4.6-1.9-8-4.5-8-9.5z" />
    </svg>
  );
}
