package handlers

import (
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }
