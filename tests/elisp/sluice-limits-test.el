;;; sluice-limits-test.el --- Tests of sluice-limits.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-daemon)
(require 'sluice-limits)
(require 'svg)

(defconst sluice-limits-test-pools
  [(:host "api.openai.com" :group "gpt-4o" :key "key:a" :state "limited"
          :words "limited by requests per minute"
          :dims [(:dimension "requests" :period "minute" :limit 60.0 :used 60.0
                             :used_by_others 12.0 :source "header")
                 (:dimension "input_tokens" :period "day" :limit 2500000.0 :used 9500.0
                             :used_by_others 0.0 :source "config")])
   (:host "h" :group "m" :key "key:b" :state "open" :words "open" :dims [])]
  "Pools as the daemon tells them.")

(ert-deftest sluice-limits-test-narrow ()
  "However narrow the window, how a key stands is seen; where there is room, others'
use and a bar are, too."
  (fake-daemon-with
    (fake-daemon-set :pools sluice-limits-test-pools)
    (pcase-dolist (`(,width ,bar ,others) '((120 t t) (90 t t) (80 nil t) (60 nil nil) (50 nil nil)))
      (fake-daemon-in-width width
        (sluice-limits)
        (fake-daemon-until sluice-dashboard--state)
        (sluice-dashboard--resized (selected-window))
        (let ((line (car (split-string (buffer-string) "\n"))))
          (should (string-search "60 / 60" line))
          (should (string-search "limited by" line))
          (should (<= 15 (fake-daemon-room-of-last-column)))
          (should (eq bar (and (string-search "█" line) t)))
          (should (eq others (and (string-match-p " 12 " line) t)))
          (should (equal "State" (car (aref tabulated-list-format
                                            (1- (length tabulated-list-format)))))))))))

(ert-deftest sluice-limits-test-shown ()
  "A line for each limit: bar, numbers, others, source; words on the first of a pool."
  (fake-daemon-with
    (fake-daemon-set :pools sluice-limits-test-pools)
    (fake-daemon-in-width 120
      (sluice-limits)
      (fake-daemon-until sluice-dashboard--state)
      (let ((lines (split-string (buffer-string) "\n" t)))
        (should (= 3 (length lines)))
        (should (string-match-p
                 "api.openai.com +gpt-4o +requests/minute +█\\{12\\} +60 / 60 +12 header +limited by requests"
                 (nth 0 lines)))
        (should (string-match-p
                 "\\` +input tokens/day +░\\{12\\} +9,500 / 2.5M +config *\\'" (nth 1 lines)))
        (should (string-match-p "\\` h +m +none known +open" (nth 2 lines))))
      (goto-char (point-min))
      (forward-line 1)
      (should (equal '("limited by requests per minute")
                     (fake-daemon-messages (call-interactively (key-binding (kbd "RET"))))))
      (goto-char (point-max))
      (should-error (call-interactively (key-binding (kbd "RET"))) :type 'user-error)
      (fake-daemon-set :pools [] :tell "limits")
      (fake-daemon-until (null sluice-dashboard--rows))
      (should (string-search "No limit is known yet" (buffer-string)))
      (should-not sluice-dashboard--clock)
      (should (equal '("limits") (plist-get (fake-daemon-seen) :asked))))))

(ert-deftest sluice-limits-test-not-sorted ()
  "Lines of one key belong together: that is said where somebody wants to sort them."
  (fake-daemon-with
    (fake-daemon-set :pools sluice-limits-test-pools)
    (save-window-excursion
      (sluice-limits)
      (fake-daemon-until sluice-dashboard--state)
      (goto-char (point-min))
      (should (string-match-p "stays in its order"
                              (cadr (should-error (call-interactively (key-binding "S"))
                                                  :type 'user-error)))))))

(ert-deftest sluice-limits-test-numbers ()
  "Numbers are short."
  (pcase-dolist (`(,number . ,text) '((0 . "0") (999.4 . "999") (1000 . "1,000") (9999 . "9,999")
                                      (40000.0 . "40k") (1250000 . "1.2M")))
    (should (equal text (sluice-limits--number number)))))

(ert-deftest sluice-limits-test-bar ()
  "The fuller, the more alarming; odd numbers do no harm."
  (pcase-dolist (`(,used ,limit ,full ,face) '((0 10 0 shadow) (5 10 6 sluice-limit-free)
                                               (9 10 11 sluice-limit-short)
                                               (10 10 12 sluice-limit-full)
                                               (20 10 12 sluice-limit-full)
                                               (-5 10 0 shadow) (0 0 12 sluice-limit-full)))
    (let ((bar (sluice-limits-bar used limit)))
      (should (= 12 (length bar)))
      (should (= full (cl-count ?█ bar)))
      (should (eq face (get-text-property 0 'face bar))))))

(ert-deftest sluice-limits-test-drawn-bar ()
  "On a graphical frame the bar is an svg image; its text stays beneath."
  (let ((drawn nil))
    (cl-letf (((symbol-function 'sluice-limits--svg-p) #'always)
              ((symbol-function 'svg-image)
               (lambda (svg &rest _) (setq drawn svg) '(image :type svg))))
      (let ((bar (sluice-limits-bar 5 10)))
        (should (equal '(image :type svg) (get-text-property 0 'display bar)))
        (should (= 6 (cl-count ?█ bar))))
      (should (= 2 (length (cl-remove-if-not #'consp (cddr drawn))))))))

(provide 'sluice-limits-test)
;;; sluice-limits-test.el ends here
