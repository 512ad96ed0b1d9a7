//go:build !race

package main

// raceFlag builds osp as the tests are built: what they are made of is built already then.
const raceFlag = "-race=false"
