// Package imagetest runs the image as platforms do, in a real container engine: `make image-test`. Its tests have the build
// tag image, for they need the engine that engine.sh starts.
package imagetest
