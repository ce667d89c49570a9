//go:build !unix

package runtimeapi

import "os"

func exitMemory(*os.ProcessState) int64 { return 0 }
