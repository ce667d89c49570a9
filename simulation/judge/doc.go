// Package judge decides whether a simulated run kept its promises. It looks only at [Facts]: the lines sent, what the
// services accepted and hold, and the reports. It imports nothing of the system: a mistake of the system's own code
// would otherwise be the judge's, too.
package judge
