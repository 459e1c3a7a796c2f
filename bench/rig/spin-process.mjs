// Keeps one core busy until it is stopped, or until the process that started it is gone.
process.on('message', ({ id }) => process.send({ id }));
process.on('disconnect', () => process.exit());

function spin() {
  const end = performance.now() + 20;
  while (performance.now() < end);
  // A turn of the event loop, in which the process hears that the other one is gone.
  setImmediate(spin);
}

spin();
