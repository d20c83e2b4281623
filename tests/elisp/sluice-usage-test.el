;;; sluice-usage-test.el --- Tests of sluice-usage.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-daemon)
(require 'sluice-usage)
(require 'svg)

(defun sluice-usage-test-row (field name tokens &optional cost)
  "Return a row of which FIELD is NAME, of TOKENS, with COST."
  (list field name :calls 2 :failed 1 :input (- tokens 10) :output 10 :cached_input 0 :cache_write 0
        :estimated 0 :tokens tokens :cost cost :cost_is_whole (and cost t)))

(defun sluice-usage-test-answer (&optional cost)
  "Return what the daemon knows, with COST of the total."
  (list :since "2026-11-22" :currency "EUR" :prices_of "2026-01-01" :unpriced (if cost ["odd"] [])
        :total (sluice-usage-test-row :model "" 1234567 cost)
        :budgets (if cost
                     [(:part 0.5 :words "20.00 EUR a month: 10.00 EUR used, 50 %" :unpriced [])]
                   [])
        :rows_day (vector (sluice-usage-test-row :day "2026-11-26" 1234557)
                          (sluice-usage-test-row :day "2026-11-28" 10))
        :rows_model (vector (sluice-usage-test-row :model "gpt-4o-mini" 1234557 cost)
                            (sluice-usage-test-row :model "모델" 10))
        :rows_client (vector (sluice-usage-test-row :client "notes" 1234567 cost))))

(ert-deftest sluice-usage-test-shown ()
  "A bar for each day, a table with a total, cost where there is one, and the budgets."
  (fake-daemon-with
    (fake-daemon-set :usage (sluice-usage-test-answer 12.5))
    (save-window-excursion
      (let ((sluice-usage-days 30)) (sluice-usage))
      (fake-daemon-until (> (buffer-size) 0))
      (let ((lines (split-string (buffer-string) "\n")))
        (should (member (concat "2026-11-26  " (make-string 30 ?█) "  1,234,557") lines))
        (should (member (concat "2026-11-28  " (make-string 30 ?\s) "  10") lines))
        (should (seq-find (lambda (line) (string-match-p "\\`model +calls +failed +input +output +cached +EUR\\'" line)) lines))
        (should (seq-find (lambda (line) (string-match-p "\\`gpt-4o-mini +2 +1 +1,234,547 +10 +0 +12.50\\'" line)) lines))
        (should (seq-find (lambda (line) (string-match-p "\\`모델 .* -\\'" line)) lines))
        (should (seq-find (lambda (line) (string-match-p "\\`total +2 +1" line)) lines))
        (should-not (buffer-modified-p))
        (should (member "Without a price: odd" lines))
        (should (member "██████░░░░░░  20.00 EUR a month: 10.00 EUR used, 50 %" lines)))
      (call-interactively (key-binding "c"))
      (fake-daemon-until (string-search "notes" (buffer-string)))
      (call-interactively (key-binding "-"))
      (fake-daemon-until (member "usage by client 1296000" (plist-get (fake-daemon-seen) :asked)))
      (should (equal '("usage by day 2592000" "usage by model 2592000")
                     (seq-take (plist-get (fake-daemon-seen) :asked) 2))))))

(ert-deftest sluice-usage-test-hanging-daemon ()
  "When the daemon hangs that is said, and the answer is shown when it comes."
  (fake-daemon-with
    (fake-daemon-set :usage (sluice-usage-test-answer))
    (fake-daemon-stop)
    (save-window-excursion
      (let ((sluice-timeout 0.1)) (sluice-usage))
      (fake-daemon-until (string-match-p "\\`The Sluice daemon does not answer" (buffer-string)))
      (fake-daemon-continue)
      (fake-daemon-until (string-search "gpt-4o-mini" (buffer-string)))
      (should-not (string-search "does not answer" (buffer-string))))))

(ert-deftest sluice-usage-test-without-prices ()
  "Without prices there is no column of cost, and a word on how to have one."
  (fake-daemon-with
    (fake-daemon-set :usage (sluice-usage-test-answer))
    (save-window-excursion
      (sluice-usage)
      (fake-daemon-until (> (buffer-size) 0))
      (should-not (string-search "EUR" (buffer-string)))
      (should (string-search "prices:" (buffer-string))))))

(ert-deftest sluice-usage-test-nothing ()
  "A time without use says so, and what to press."
  (fake-daemon-with
    (fake-daemon-set :usage (plist-put (plist-put (sluice-usage-test-answer) :rows_day []) :rows_model []))
    (save-window-excursion
      (sluice-usage)
      (fake-daemon-until (> (buffer-size) 0))
      (should (string-search "Press + to look further back" (buffer-string))))))

(ert-deftest sluice-usage-test-days-without-use ()
  "The picture has a column for each day, also for those on which nothing was used."
  (should (equal '(("2026-11-26" . 5) ("2026-11-27" . 0) ("2026-11-28" . 7))
                 (sluice-usage--all-days '((:day "2026-11-26" :tokens 5) (:day "2026-11-28" :tokens 7))))))

(ert-deftest sluice-usage-test-image ()
  "On a graphical frame the days are columns of one picture."
  (cl-letf (((symbol-function 'sluice-limits--svg-p) (lambda () t))
            ((symbol-function 'svg-image) (lambda (svg &rest _) (list 'image :type 'svg :svg svg)))
            ((symbol-function 'insert-image) (lambda (image &rest _) (insert (format "%S" image)))))
    (with-temp-buffer
      (sluice-usage--insert-days '((:day "2026-11-26" :tokens 5) (:day "2026-11-28" :tokens 10)))
      (goto-char (point-min))
      (should (= 3 (how-many "(rect " (point-min) (point-max))))
      (should (string-search "the highest column is 10 tokens" (buffer-string))))))

(ert-deftest sluice-usage-test-numbers ()
  "Thousands are set apart."
  (pcase-dolist (`(,number . ,text) '((0 . "0") (999 . "999") (1000 . "1,000") (1234567.2 . "1,234,567")))
    (should (equal text (sluice-usage--number number)))))

(provide 'sluice-usage-test)
;;; sluice-usage-test.el ends here
