/** Shows a story step by step: a live line on a terminal, plain lines elsewhere. */
export interface Display {
  /** Runs `act` as a numbered step; what it returns is shown as its outcome. */
  step<T>(
    title: string,
    act: (progress: (text: string) => void) => Promise<T>,
    outcome?: (value: T) => string,
  ): Promise<T>
  say(text: string): void
}

const REWRITE_MS = 100

/** Writes to standard output. */
export function openDisplay(isTerminal: boolean): Display {
  let number = 0
  const write = (text: string) => void process.stdout.write(text)
  return {
    say: (text) => write(`${text}\n`),
    step: async (title, act, outcome = () => '') => {
      number += 1
      const startedAtMs = performance.now()
      const seconds = () => ((performance.now() - startedAtMs) / 1000).toFixed(1)
      let progress = ''
      const line = (mark: string, text: string) =>
        `${mark} ${String(number).padStart(2)}. ${title}${text ? `: ${text}` : ''}`
      const timer = isTerminal
        ? setInterval(() => write(`\r\u001b[2K${line('…', progress)} (${seconds()} s)`), REWRITE_MS)
        : undefined
      if (!isTerminal) write(`${line('…', '')}\n`)
      try {
        const value = await act((text) => {
          progress = text
        })
        write(`${isTerminal ? '\r\u001b[2K' : ''}${line('✓', outcome(value))} (${seconds()} s)\n`)
        return value
      } catch (error) {
        write(`${isTerminal ? '\r\u001b[2K' : ''}${line('✗', 'failed')} (${seconds()} s)\n`)
        throw error
      } finally {
        clearInterval(timer)
      }
    },
  }
}
