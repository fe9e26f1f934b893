// Command tlog-check verifies an exported transfer log with other people's code alone.
//
// Entries and tiles are read by Tessera's client and its fsck, notes opened and the tree built by Go's sumdb
// packages, cosignatures, policies and proofs read by transparency-dev/formats. Only the
// comparisons are ours. Nothing of the gateway is used, so that a mistake there and a mistake
// here would have to be the same one to stay unseen.
//
//	tlog-check [-policy FILE] [-witness VKEY]... [-proof FILE -leaf FILE] [-samples N] VKEYFILE DIR|URL
//
// A log behind a bearer key is read with the key in the variable TLOG_BEARER.
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/formats/witness"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"k8s.io/klog/v2"
)

const (
	bundleSize = 256
	workers    = 64
)

// reader is what both of Tessera's fetchers are.
type reader interface {
	ReadCheckpoint(ctx context.Context) ([]byte, error)
	ReadTile(ctx context.Context, level, index uint64, partial uint8) ([]byte, error)
	ReadEntryBundle(ctx context.Context, index uint64, partial uint8) ([]byte, error)
}

// checked is what was found to hold.
type checked struct {
	checkpoint *log.Checkpoint
	stored     []tlog.Hash // as tlog.StoredHashIndex places them
	kept       int
	proofs     int
	witnesses  int
}

func main() {
	var witnesses []string
	policy := flag.String("policy", "", "a tlog-policy that the checkpoint must satisfy")
	proofFile := flag.String("proof", "", "a tlog-proof, such as a receipt holds")
	leafFile := flag.String("leaf", "", "the entry that the proof is about")
	samples := flag.Uint64("samples", 64, "entries whose inclusion is proved from the tiles")
	flag.Func("witness", "vkey of a witness whose cosignature must be there", func(key string) error {
		witnesses = append(witnesses, key)
		return nil
	})
	flag.Parse()
	klog.LogToStderr(false) // what Tessera tells of its progress
	klog.SetOutput(io.Discard)
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	found, err := check(flag.Arg(0), flag.Arg(1), *policy, witnesses, *samples)
	if err == nil && *proofFile != "" {
		err = checkProof(flag.Arg(0), *proofFile, *leafFile, found)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tlog-check:", err)
		os.Exit(1)
	}
	fmt.Printf("ok %d entries, %d kept checkpoints, %d inclusion proofs, %d cosignatures\n",
		found.checkpoint.Size, found.kept, found.proofs, found.witnesses)
}

func check(vkeyFile, where, policy string, witnesses []string, samples uint64) (*checked, error) {
	ctx := context.Background()
	verifier, err := readVerifier(vkeyFile)
	if err != nil {
		return nil, err
	}
	source, err := open(where)
	if err != nil {
		return nil, err
	}
	found := &checked{}
	var raw []byte
	found.checkpoint, raw, _, err = client.FetchCheckpoint(ctx, source.ReadCheckpoint, verifier, verifier.Name())
	if err != nil {
		return nil, err
	}
	if err := found.readEntries(ctx, source); err != nil {
		return nil, err
	}
	if err := found.isRoot(found.checkpoint); err != nil {
		return nil, err
	}
	if err := found.checkWitnesses(raw, verifier, policy, witnesses); err != nil {
		return nil, err
	}
	if err := found.checkTiles(ctx, source, samples); err != nil {
		return nil, err
	}
	if err := found.checkKept(ctx, where, source, verifier); err != nil {
		return nil, err
	}
	// Every tile, by Tessera's fsck. The program of that name ends with status 0 whatever it finds
	// (1.0.4), and with one worker it hangs on a corrupt tile.
	check := fsck.New(verifier.Name(), verifier, source, leafHashes, fsck.Opts{N: workers})
	return found, check.Check(ctx)
}

func leafHashes(bundle []byte) ([][]byte, error) {
	var read api.EntryBundle
	if err := read.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	found := make([][]byte, len(read.Entries))
	for i, entry := range read.Entries {
		hash := tlog.RecordHash(entry)
		found[i] = hash[:]
	}
	return found, nil
}

func readVerifier(file string) (note.Verifier, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return note.NewVerifier(strings.TrimSpace(string(text)))
}

func open(where string) (reader, error) {
	if !strings.Contains(where, "://") {
		return client.FileFetcher{Root: where}, nil
	}
	root, err := url.Parse(where)
	if err != nil {
		return nil, err
	}
	fetcher, err := client.NewHTTPFetcher(root, nil)
	if err != nil {
		return nil, err
	}
	if key := os.Getenv("TLOG_BEARER"); key != "" {
		fetcher.SetAuthorizationHeader("Bearer " + key)
	}
	return fetcher, nil
}

// readEntries hashes every entry and grows the tree.
func (c *checked) readEntries(ctx context.Context, source reader) error {
	at := int64(0)
	for index := uint64(0); index*bundleSize < c.checkpoint.Size; index++ {
		bundle, err := client.GetEntryBundle(ctx, source.ReadEntryBundle, index, c.checkpoint.Size)
		if err != nil {
			return err
		}
		want := min(bundleSize, c.checkpoint.Size-index*bundleSize)
		if uint64(len(bundle.Entries)) != want {
			return fmt.Errorf("bundle %d holds %d entries and not %d", index, len(bundle.Entries), want)
		}
		for _, entry := range bundle.Entries {
			hashes, err := tlog.StoredHashes(at, entry, tlog.HashReaderFunc(c.readHashes))
			if err != nil {
				return err
			}
			c.stored = append(c.stored, hashes...)
			at++
		}
	}
	return nil
}

func (c *checked) readHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, 0, len(indexes))
	for _, index := range indexes {
		if index >= int64(len(c.stored)) {
			return nil, errors.New("a hash beyond the end of the tree")
		}
		hashes = append(hashes, c.stored[index])
	}
	return hashes, nil
}

// isRoot compares a checkpoint with the tree that was grown from the entries.
func (c *checked) isRoot(checkpoint *log.Checkpoint) error {
	root := tlog.Hash(sha256.Sum256(nil))
	if checkpoint.Size > 0 {
		var err error
		root, err = tlog.TreeHash(int64(checkpoint.Size), tlog.HashReaderFunc(c.readHashes))
		if err != nil {
			return err
		}
	}
	if !slices.Equal(root[:], checkpoint.Hash) {
		return fmt.Errorf("the entries do not lead to the root signed at size %d", checkpoint.Size)
	}
	return nil
}

func (c *checked) checkWitnesses(raw []byte, by note.Verifier, policy string, keys []string) error {
	verifiers := []note.Verifier{by}
	for _, key := range keys {
		verifier, err := fnote.NewVerifierForCosignatureV1(key)
		if err != nil {
			return err
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open(raw, note.VerifierList(verifiers...))
	if err != nil {
		return err
	}
	c.witnesses = len(opened.Sigs) - 1
	if c.witnesses != len(keys) {
		return fmt.Errorf("%d of %d witnesses signed the checkpoint", c.witnesses, len(keys))
	}
	if policy == "" {
		return nil
	}
	text, err := os.ReadFile(policy)
	if err != nil {
		return err
	}
	group, err := witness.ParsePolicy(text)
	if err != nil {
		return err
	}
	if !group.Satisfied(raw) {
		return errors.New("too few witnesses for the policy signed the checkpoint")
	}
	return nil
}

// checkTiles proves entries from the published tiles, spread over the log, its ends included.
func (c *checked) checkTiles(ctx context.Context, source reader, samples uint64) error {
	size := c.checkpoint.Size
	if size == 0 || samples == 0 {
		return nil
	}
	builder, err := client.NewProofBuilder(ctx, size, source.ReadTile)
	if err != nil {
		return err
	}
	step := max(1, size/samples)
	indexes := []uint64{size - 1}
	for index := uint64(0); index < size-1; index += step {
		indexes = append(indexes, index)
	}
	for _, index := range indexes {
		path, err := builder.InclusionProof(ctx, index)
		if err != nil {
			return err
		}
		if err := c.holds(path, int64(index)); err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
		c.proofs++
	}
	return nil
}

func (c *checked) holds(path [][]byte, index int64) error {
	leaf := c.stored[tlog.StoredHashIndex(0, index)]
	return tlog.CheckRecord(hashes(path), int64(c.checkpoint.Size), tlog.Hash(c.checkpoint.Hash), index, leaf)
}

func hashes(path [][]byte) []tlog.Hash {
	found := make([]tlog.Hash, len(path))
	for i, hash := range path {
		found[i] = tlog.Hash(hash)
	}
	return found
}

// checkKept opens every checkpoint of a folder's `checkpoints/`: each must be a beginning of the
// log by its entries, and by a consistency proof from the tiles.
func (c *checked) checkKept(ctx context.Context, where string, source reader, by note.Verifier) error {
	files, err := filepath.Glob(filepath.Join(where, "checkpoints", "*"))
	if err != nil || len(files) == 0 {
		return err
	}
	builder, err := client.NewProofBuilder(ctx, c.checkpoint.Size, source.ReadTile)
	if err != nil {
		return err
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		kept, _, _, err := log.ParseCheckpoint(raw, by.Name(), by)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		if strconv.FormatUint(kept.Size, 10) != filepath.Base(file) || kept.Size > c.checkpoint.Size {
			return fmt.Errorf("checkpoint %s is of size %d", filepath.Base(file), kept.Size)
		}
		if err := c.isRoot(kept); err != nil {
			return err
		}
		if err := c.isBeginning(ctx, builder, kept); err != nil {
			return fmt.Errorf("checkpoint %d: %w", kept.Size, err)
		}
		c.kept++
	}
	return nil
}

func (c *checked) isBeginning(ctx context.Context, builder *client.ProofBuilder, kept *log.Checkpoint) error {
	if kept.Size == 0 || kept.Size == c.checkpoint.Size {
		return nil
	}
	path, err := builder.ConsistencyProof(ctx, kept.Size, c.checkpoint.Size)
	if err != nil {
		return err
	}
	return tlog.CheckTree(hashes(path), int64(c.checkpoint.Size), tlog.Hash(c.checkpoint.Hash),
		int64(kept.Size), tlog.Hash(kept.Hash))
}

// checkProof checks a receipt's proof on its own, and that its tree is a beginning of the log.
func checkProof(vkeyFile, proofFile, leafFile string, found *checked) error {
	verifier, err := readVerifier(vkeyFile)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(proofFile)
	if err != nil {
		return err
	}
	leaf, err := os.ReadFile(leafFile)
	if err != nil {
		return err
	}
	var read proof.TLogProof
	if err := read.Unmarshal(text); err != nil {
		return err
	}
	signed, _, _, err := log.ParseCheckpoint(read.Checkpoint, verifier.Name(), verifier)
	if err != nil {
		return err
	}
	path := make([]tlog.Hash, len(read.Hashes))
	for i, hash := range read.Hashes {
		path[i] = hash
	}
	err = tlog.CheckRecord(path, int64(signed.Size), tlog.Hash(signed.Hash), int64(read.Index), tlog.RecordHash(leaf))
	if err != nil {
		return fmt.Errorf("the proof: %w", err)
	}
	if signed.Size > found.checkpoint.Size {
		return errors.New("the log is older than the proof")
	}
	return found.isRoot(signed)
}
