// Preloaded into a process: each SIGUSR2 sets both of its clocks a day ahead, and prints a line.
const DAY = 86_400_000;
let days = 0;
const { now } = Date;
const elapsed = performance.now.bind(performance);
Date.now = () => now() + days * DAY;
performance.now = () => elapsed() + days * DAY;
process.on("SIGUSR2", () => {
  days += 1;
  console.log(`${days} days later`);
});
