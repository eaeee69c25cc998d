/** The causes of crashes: in words, with what to do. */

export interface Advice {
  text: string;
  command?: string;
  /** The page that shows more. */
  link?: "pool" | "deployment" | "parent";
}

export interface Cause {
  headline: string;
  explanation: string;
  advice: Advice[];
}

const RETRIES: Advice = {
  text: "If it may run twice, let a crash make the next attempt by itself: @flow(retries=2).",
};
const MEMORY_OF_THE_MACHINE: Advice = {
  text: "If nobody killed it, the machine may have run out of memory. There, as root:",
  command: "journalctl --dmesg --grep 'out of memory|oom'",
};
const FAULTS: Advice = {
  text: "To see the Python lines where it happened, run it again with Python's own fault handler:",
  command: `runwright deployment run FLOW/NAME --job-variable 'env={"PYTHONFAULTHANDLER":"1"}'`,
};

interface Signal {
  name: string;
  headline: string;
  explanation: string;
  advice: Advice[];
}

const FAULT = "Code beneath Python did something forbidden: a native library, or a driver.";
const STOPPED = "Somebody, or the machine's service manager, asked the process itself to end.";

const SIGNALS: Record<number, Signal> = {
  1: stopped("SIGHUP", "The terminal or session that it belonged to ended."),
  2: stopped("SIGINT", STOPPED),
  4: fault("SIGILL", "It has an instruction that this processor does not know: a library was built for another one."),
  6: fault("SIGABRT", "Code beneath Python gave up: a failed assertion, or memory that could not be had."),
  7: fault("SIGBUS", "It read memory that is gone: a mapped file was cut, or a disk or /dev/shm is full."),
  8: fault("SIGFPE", "A native library divided by zero."),
  9: {
    name: "SIGKILL",
    headline: "It was killed",
    explanation: "SIGKILL came from outside: from somebody, or from the kernel when the machine's memory ran out.",
    advice: [MEMORY_OF_THE_MACHINE, RETRIES],
  },
  11: fault("SIGSEGV", FAULT),
  13: stopped("SIGPIPE", "It wrote to a pipe that nobody reads any more."),
  15: stopped("SIGTERM", STOPPED),
  24: stopped("SIGXCPU", "It has used all the processor time that its limit allows (ulimit -t)."),
  25: stopped("SIGXFSZ", "It has written a file beyond what its limit allows (ulimit -f)."),
  31: fault("SIGSYS", "A security profile (seccomp) forbids a call that it made."),
};

function stopped(name: string, explanation: string): Signal {
  return { name, headline: `It was ended by ${name}`, explanation, advice: [RETRIES] };
}

function fault(name: string, explanation: string): Signal {
  return { name, headline: `It broke down with ${name}`, explanation, advice: [FAULTS] };
}

export function signalCause(number: number): Signal {
  return SIGNALS[number] ?? stopped(`signal ${number}`, "The process was ended by a signal.");
}

const CODES: Record<number, [string, Advice]> = {
  0: [
    "The process left without a word, as if all were well: something in it called os._exit(0).",
    { text: "Return from the flow, or raise: os._exit skips all that would have told how it ended." },
  ],
  1: [
    "The process left with the code of errors in general, and did not say how the flow ended.",
    { text: "Look at the last lines: the interpreter or a library says there why it left." },
  ],
  126: ["What was to be started may not be executed.", { text: "Check the command and its permissions in the image." }],
  127: [
    "What was to be started is not there: the shell did not find the command.",
    { text: "Check that the image or the machine has Python and runwright on its PATH." },
  ],
};

/** Shells tell of a signal by a code of 128 and its number. */
const BY_SIGNAL = 128;

export function exitCause(code: number): Cause {
  const known = CODES[code];
  const headline = `It left with exit code ${code}`;
  if (known) return { headline, explanation: known[0], advice: [known[1]] };
  if (code > BY_SIGNAL && code <= BY_SIGNAL + 64) {
    const signal = signalCause(code - BY_SIGNAL);
    return { headline: `${headline}: ${signal.name}`, explanation: signal.explanation, advice: signal.advice };
  }
  return {
    headline,
    explanation: "Something in it called os._exit or ended the interpreter, so the flow did not say how it ended.",
    advice: [{ text: "Search the flow and its libraries for os._exit, and look at the last lines." }],
  };
}

type Told = readonly [RegExp, Cause];

const POOL: Advice = { text: "See the pool's workers and its job template.", link: "pool" };

/** Why it could not be started; the report has the rest of the words. */
export const LAUNCHES: readonly (readonly [RegExp, Omit<Cause, "explanation">])[] = [
  [
    /image .* (could not be pulled|cannot be used|is not on the worker's machine|was pulled and is gone)/,
    {
      headline: "Its image could not be had",
      advice: [
        { text: "Try the same on the worker's machine; it says more about names, tags and sign-ins:", command: "docker pull IMAGE" },
        { text: "The image is named in the deployment's job variables, or in the pool's job template.", link: "pool" },
      ],
    },
  ],
  [
    /could not (be launched|start)/,
    {
      headline: "It could not be started",
      advice: [{ text: "No code of the flow has run. Mend what the words above name, then run it again." }, POOL],
    },
  ],
];

const CONTAINERS: readonly Told[] = [
  [
    /container was removed/,
    {
      headline: "Its container was removed",
      explanation: "The engine knows it no more: somebody removed it, or the engine was reset.",
      advice: [{ text: "See that nothing prunes containers that run on the worker's machine." }, RETRIES],
    },
  ],
  [
    /container could not reach the control plane/,
    {
      headline: "Its container could not reach the control plane",
      explanation: "It ran, and found no way to the address of the API. What it did is not known here.",
      advice: [
        { text: "An address of 127.0.0.1 means the container itself. Give the worker one that containers reach:", command: "RUNWRIGHT_API_URL=http://HOST:4300/api runwright worker start --pool POOL --type docker" },
      ],
    },
  ],
];

export function containerCause(reason: string): Cause | undefined {
  return CONTAINERS.find(([words]) => words.test(reason))?.[1];
}

/** What ends a process for reasons that are not its own. */
export const WORDS: readonly Told[] = [
  [
    /worker was stopped/,
    {
      headline: "Its worker was stopped",
      explanation: "The worker was told to end, and the run did not finish in the time it had left.",
      advice: [
        { text: "Give runs more time before the worker leaves:", command: "RUNWRIGHT_WORKER_GRACE=600 runwright worker start --pool POOL" },
        RETRIES,
      ],
    },
  ],
  [
    /control plane was away for longer/,
    {
      headline: "The control plane was away for too long",
      explanation: "What the run had to say could not be delivered, so its process was ended.",
      advice: [{ text: "Let runs bear longer outages: RUNWRIGHT_OUTAGE_TOLERANCE, in seconds, for the worker." }],
    },
  ],
  [
    /refused a state of the run as malformed/,
    {
      headline: "The control plane did not understand the run",
      explanation: "It refused a state that the process sent: client and server are of versions that do not fit.",
      advice: [{ text: "Compare the versions of the server and of what the flow has installed:", command: "runwright version" }],
    },
  ],
  [
    /supervisor (was killed|broke down)|started its supervisor was killed/,
    {
      headline: "The process beside it was killed",
      explanation: "Every run has a supervisor that tells how it ends. It is gone, and took the run along.",
      advice: [MEMORY_OF_THE_MACHINE, RETRIES],
    },
  ],
  [
    /Its parent's process ended/,
    {
      headline: "Its parent's process ended",
      explanation: "A subflow lives in the process of the run that called it.",
      advice: [{ text: "Why that ended is told there.", link: "parent" }],
    },
  ],
];
