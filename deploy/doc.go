// Package deploy has what it takes to run osp on each platform, a folder for each. Its tests hold the manifests together
// against what the program does; deploy/check, a module of its own, has each of them read by its platform's own types.
package deploy
