/** What this machine's loopback interface has. */
import { networkInterfaces } from 'node:os'

const hasLoopback6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'))

/** For the option `skip` of tests that listen on ::1. */
export const withoutLoopback6: false | string = hasLoopback6 ? false : 'this machine has no IPv6 loopback'
