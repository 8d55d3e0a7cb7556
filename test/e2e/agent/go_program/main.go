// SPDX-License-Identifier: Apache-2.0
//
// A Go program that calls C: threads of the Go runtime, signals it handles itself, its own CPU
// profiler, and a child process. Prints nothing but what it always prints.
package main

// static unsigned burn_in_c(long rounds) {
//   unsigned x = 1;
//   for (long i = 0; i < rounds; i++) x = x * 1664525u + 1013904223u;
//   return x;
// }
import "C"

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime/pprof"
	"sync"
	"syscall"
	"time"
)

const rounds = 150000000

func burnInGo(rounds int) uint32 {
	x := uint32(1)
	for i := 0; i < rounds; i++ {
		x = x*1664525 + 1013904223
	}
	return x
}

func work() {
	var group sync.WaitGroup
	for i := 0; i < 4; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			fmt.Fprint(os.Stderr, "")
			if burnInGo(rounds) != uint32(C.burn_in_c(rounds)) {
				fmt.Println("different results")
			}
		}()
	}
	group.Wait()
}

func main() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGTRAP)
	work()
	for _, number := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGTRAP} {
		syscall.Kill(os.Getpid(), number)
		select {
		case got := <-signals:
			fmt.Println(got)
		case <-time.After(20 * time.Second):
			fmt.Println("no signal")
		}
	}
	output, err := exec.Command("echo", "from a child").CombinedOutput()
	fmt.Print(string(output), err, "\n")
	func() {
		defer func() { fmt.Println("recovered:", recover()) }()
		var nowhere *int
		*nowhere = 1
	}()
	var profile bytes.Buffer
	fmt.Println("own profiler:", pprof.StartCPUProfile(&profile))
	burnInGo(rounds)
	pprof.StopCPUProfile()
	fmt.Println("own profile:", profile.Len() > 300)
	os.Exit(3)
}
