// Says whether the window is narrow, at first and whenever that changes.

export default function ({ data, setStateValue }) {
  const narrow = matchMedia(data.asked);
  const say = () => setStateValue("narrow", narrow.matches);
  narrow.addEventListener("change", say);
  if (data.narrow !== narrow.matches) say();
  return () => narrow.removeEventListener("change", say);
}
