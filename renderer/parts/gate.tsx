/** The mark: a gate in a wall. */
export function Gate() {
  return (
    <svg className="gate" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect className="gate-wall" x="1" y="1" width="30" height="30" rx="7" />
      <path className="gate-arch" d="M8 26V15a8 8 0 0 1 16 0v11" />
      <path className="gate-bars" d="M12.5 26V12.5M16 26V11M19.5 26V12.5M8.5 18h15M8.5 22.5h15" />
    </svg>
  );
}
