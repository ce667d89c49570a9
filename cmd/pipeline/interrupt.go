package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// watchInterrupts returns a context that ends with the first Ctrl-C (or SIGTERM) and one that ends with the second.
func watchInterrupts(ctx context.Context) (soft, hard context.Context, stop func()) {
	hard, stopHard := context.WithCancel(ctx)
	soft, stopSoft := context.WithCancel(hard)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for _, cancel := range []context.CancelFunc{stopSoft, stopHard} {
			select {
			case <-signals:
				cancel()
			case <-done:
				return
			}
		}
		signal.Stop(signals) // the third ends the process, whatever it is doing
	}()
	return soft, hard, func() {
		signal.Stop(signals)
		close(done)
		stopSoft()
		stopHard()
	}
}
