package cli

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func newProfile(w World) *cobra.Command {
	c := &cobra.Command{
		Use: "profile", Short: "Keep where APIs are, and their keys", RunE: Help,
		Long: `Keep where APIs are, and their keys, in osp/config.toml below XDG_CONFIG_HOME (or ~/.config), which nobody else may read.

--profile names one for a command; osp profile use, the one for all that name none. OSP_URL and OSP_KEY come before it.`,
	}
	c.AddCommand(newProfileAdd(w), newProfileUse(w), newProfileList(w), newProfileRemove(w))
	return c
}

var profileName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func newProfileAdd(w World) *cobra.Command {
	var at, file string
	var without bool
	c := &cobra.Command{
		Use: "add NAME --url URL", Short: "Add a profile, or replace it", Args: needs("NAME"),
		Long: `Add a profile, or replace it. The key is asked for, or read from the standard input or a file: no flag takes it, for
other processes can read those. The first profile is used at once.`,
		Example: `  osp profile add live --url https://osp.example.com
  osp profile add live --url https://osp.example.com --key-file key.txt
  osp profile add dev --url http://localhost:8080 --no-key`,
		RunE: func(c *cobra.Command, args []string) error {
			if !profileName.MatchString(args[0]) {
				return misused("the name %q: write 1 to 64 letters, digits, dots, underscores or dashes", args[0])
			}
			if at == "" {
				return misused("--url is missing: say where the API is")
			}
			key := ""
			if !without {
				var err error
				if key, err = askKey(c, file); err != nil {
					return err
				}
			}
			to, err := newTarget(at, "--url", key, "as it was given")
			if err != nil {
				return err
			}
			return changeProfiles(w, func(p *profiles) error {
				p.Profiles[args[0]] = profile{to.url.String(), key}
				if p.Use == "" {
					p.Use = args[0]
				}
				_, err := fmt.Fprintf(c.ErrOrStderr(), "The profile %s has been kept. In use: %s.\n", args[0], p.Use)
				return err
			})
		},
	}
	c.Flags().StringVar(&at, "url", "", "where the API is")
	c.Flags().StringVar(&file, "key-file", "", "read the key from this file")
	c.Flags().BoolVar(&without, "no-key", false, "there is none, as with osp dev")
	c.MarkFlagsMutuallyExclusive("key-file", "no-key")
	return c
}

// askKey reads a key: from a file, from a terminal without showing it, or from what the standard input is.
func askKey(c *cobra.Command, file string) (string, error) {
	if file != "" {
		raw, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			return "", misused("--key-file cannot be read: %w", err)
		}
		return strings.TrimSpace(string(raw)), nil
	}
	if f := terminalOf(c.InOrStdin()); f != nil {
		return askSecret(c.Context(), f, c.ErrOrStderr(), "The key (it is not shown): ")
	}
	key, _ := bufio.NewReader(c.InOrStdin()).ReadString('\n') // without a line there is no key
	if key = strings.TrimSpace(key); key == "" {
		return "", misused("there is no key on the standard input: write it there, or --key-file FILE or --no-key")
	}
	return key, nil
}

// changeProfiles reads the file, changes what it says, and writes it.
func changeProfiles(w World, change func(*profiles) error) error {
	p, err := readProfiles(w)
	if err != nil {
		return err
	}
	if err := change(&p); err != nil {
		return err
	}
	return p.write(w)
}

func newProfileUse(w World) *cobra.Command {
	return &cobra.Command{
		Use: "use NAME", Short: "Use a profile where none is named", Args: needs("NAME"), ValidArgsFunction: completeProfiles(w),
		RunE: func(c *cobra.Command, args []string) error {
			return changeProfiles(w, func(p *profiles) error {
				if _, ok := p.Profiles[args[0]]; !ok {
					return p.none(args[0])
				}
				p.Use = args[0]
				_, err := fmt.Fprintf(c.ErrOrStderr(), "In use: %s.\n", args[0])
				return err
			})
		},
	}
}

// none tells that there is no profile of a name.
func (p profiles) none(name string) error {
	asks := meant(name, slices.Sorted(maps.Keys(p.Profiles)))
	if asks != "" {
		asks = "." + asks
	}
	return misused("there is no profile %q: osp profile list lists them%s", name, asks)
}

func newProfileRemove(w World) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Forget a profile and its key", Args: needs("NAME"), ValidArgsFunction: completeProfiles(w),
		RunE: func(c *cobra.Command, args []string) error {
			return changeProfiles(w, func(p *profiles) error {
				if _, ok := p.Profiles[args[0]]; !ok {
					return p.none(args[0])
				}
				delete(p.Profiles, args[0])
				if p.Use == args[0] {
					p.Use = ""
				}
				_, err := fmt.Fprintf(c.ErrOrStderr(), "The profile %s has been forgotten.\n", args[0])
				return err
			})
		},
	}
}

func newProfileList(w World) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the profiles, without their keys", Args: needs(),
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := readProfiles(w)
			if err != nil {
				return err
			}
			if len(p.Profiles) == 0 {
				_, err := fmt.Fprintln(c.ErrOrStderr(), "There are no profiles: osp profile add makes one.")
				return err
			}
			t := newTable("NAME URL", "NAME", "URL", "KEY", "IN USE")
			for _, name := range slices.Sorted(maps.Keys(p.Profiles)) {
				key, used := "no", ""
				if p.Profiles[name].Key != "" {
					key = "yes"
				}
				if name == p.Use {
					used = "in use"
				}
				t.add(cell{name, ""}, cell{p.Profiles[name].URL, ""}, cell{key, ""}, cell{used, green})
			}
			columns, _ := size(c.OutOrStdout())
			return t.write(c.OutOrStdout(), paintFor(w, c.OutOrStdout()), columns)
		},
	}
}
