/** CLOCK_MONOTONIC in milliseconds: comparable between the processes of one machine. */
export const machineMs = (): number => Number(process.hrtime.bigint()) / 1e6
