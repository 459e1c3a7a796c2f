// Runs the same outage scenarios for every contender, each in a minimal Nest app on Express in a separate process, with a
// key server that counts requests. Uses loopback only. Saves results/outages.json and writes docs/security/comparison.md.
//
// Accuracy: statuses and numbers of fetches do not depend on the machine. Times do: scenarios that mostly wait run six at a
// time, and those that load the machine run one after the other. "Recovers after" is measured by a request every 250 ms.
import { findContender } from '../contenders/index.mjs';
import { round } from '../rig/statistics.mjs';
import { saveResult } from '../rig/results.mjs';
import { outagesTable, writeOutagesPage } from './page.mjs';
import { coldStories } from './stories-cold.mjs';
import { floodStory } from './story-flood.mjs';
import { warmStories } from './stories-warm.mjs';

const names = ['gatehouse', 'stock', 'jose', 'express-oauth2-jwt-bearer', 'aws-jwt-verify'];
const atOnce = 6;

async function tell(story, contender, loadIsOver) {
  if (story.onlyOurs !== undefined && contender.ours !== true) return { text: `– (${story.onlyOurs})`, passed: null };
  try {
    const { values, ...rest } = await story.run(contender, loadIsOver);
    return { ...rest, values: roundAll(values) };
  } catch (error) {
    return { text: `the story broke: ${error.message}`, passed: null };
  }
}

function roundAll(values) {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, typeof value === 'number' ? round(value, 3) : value]),
  );
}

/** Runs a number of jobs concurrently. A job that only waits may release its place early; all jobs are awaited. */
async function runAll(jobs, width) {
  const waiting = [...jobs];
  const worker = async () => {
    const begun = [];
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const running = job;
      await new Promise((loadIsOver) => begun.push(running(loadIsOver).then(loadIsOver)));
    }
    await Promise.all(begun);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

export async function runOutages({ quick, flags }) {
  const began = performance.now();
  const all = [...coldStories, ...warmStories, floodStory(quick ? 2_000 : 10_000)];
  const stories = typeof flags.story === 'string' ? all.filter(({ name }) => name.includes(flags.story)) : all;
  const only = typeof flags.only === 'string' ? flags.only.split(',') : names;
  const rows = stories.map(({ name, title, right }) => ({ name, title, right, contenders: {} }));
  const jobsOf = (alone) =>
    stories.flatMap((story, at) =>
      (story.alone === true) === alone
        ? only.map((name) => async (loadIsOver) => {
            rows[at].contenders[name] = await tell(story, findContender(name), loadIsOver);
          })
        : [],
    );
  await runAll(jobsOf(false), atOnce);
  await runAll(jobsOf(true), 1);
  const result = { seconds: Math.round((performance.now() - began) / 1000), rows };
  console.log(`\nOutages, ${result.seconds} s\n\n${outagesTable(result)}`);
  if (quick || flags.story !== undefined || flags.only !== undefined) return;
  saveResult('outages', result, quick);
  writeOutagesPage();
}
