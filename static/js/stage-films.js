// The films on a stage: one bar to play and to seek by, and the left one keeps the time of the right one.

globalThis.latentFilms = (stage) => {
  const { hasDrifted } = globalThis.latent;
  const bar = stage.querySelector("[data-films]");
  const play = bar.querySelector("[data-play]");
  const seek = bar.querySelector("[data-seek]");
  const time = bar.querySelector("[data-time]");
  let leader = null;
  let follower = null;

  for (const film of stage.querySelectorAll("video")) {
    film.removeAttribute("controls");
    for (const name of ["play", "pause"]) film.addEventListener(name, show);
    for (const name of ["timeupdate", "loadedmetadata", "seeked"]) film.addEventListener(name, show);
  }

  function show() {
    if (!leader) return;
    play.setAttribute("aria-pressed", !leader.paused);
    if (leader.duration) {
      seek.value = (1000 * leader.currentTime) / leader.duration;
      time.textContent = `${leader.currentTime.toFixed(1)} / ${leader.duration.toFixed(1)} s`;
    }
    follow();
  }

  function follow() {
    if (!follower) return;
    if (hasDrifted(follower.currentTime, leader.currentTime)) follower.currentTime = leader.currentTime;
    if (leader.paused !== follower.paused) {
      if (leader.paused) follower.pause();
      else follower.play().catch(() => {});
    }
  }

  play.addEventListener("click", () => (leader.paused ? leader.play() : leader.pause()));
  seek.addEventListener("input", () => {
    if (leader.duration) leader.currentTime = (seek.value / 1000) * leader.duration;
  });

  // The films that are seen now: `right` leads, and `left` is heard no more.
  return (left, right) => {
    for (const film of stage.querySelectorAll("video")) {
      film.muted = film !== right;
      if (film !== left && film !== right) film.pause();
    }
    [leader, follower] = right ? [right, left] : [left, null];
    bar.hidden = !leader;
    if (leader) leader.muted = false;
    show();
  };
};
